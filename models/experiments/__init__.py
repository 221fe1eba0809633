"""Experiments: a configuration becomes a folder with a report; the contest compares them with the champion."""
