"""The data: schema, workspace, sources, demo, snapshots, quality and the query engine."""
