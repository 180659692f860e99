"""The demo: handwritten digits, a classifier that really recognises them, and the deployment that serves it."""
