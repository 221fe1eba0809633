"""The model families, training, registry, scoring and explaining. Never Streamlit."""
