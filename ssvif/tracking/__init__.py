"""Run records on disk and in MLflow."""
