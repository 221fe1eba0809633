"""Figures in one house style. A plot computes nothing: it shows the frame that a compute_ function made."""
