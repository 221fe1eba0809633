import ibis
import pytest


@pytest.fixture
def database(tmp_path):
    """Turn frames into Ibis tables over Parquet files, and expressions into frames: `table(frame)`, `fetch(expr)`."""

    class Database:
        def __init__(self):
            self.backend = ibis.duckdb.connect()
            self.queries = 0

        def table(self, frame):
            path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
            frame.to_parquet(path)
            return self.backend.read_parquet(path)

        def fetch(self, expression):
            self.queries += 1
            return self.backend.to_pyarrow(expression).to_pandas(date_as_object=False)

    return Database()
