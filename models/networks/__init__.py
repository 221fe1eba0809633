"""Networks in Keras 3 on JAX: one base, one family a file."""
