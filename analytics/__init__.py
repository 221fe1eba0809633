"""Statistics and figures: tables in, tables and figures out. No files, no models, no Streamlit."""
