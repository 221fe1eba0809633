"""The demo: a synthetic mortgage book of three countries, generated from a seed."""
