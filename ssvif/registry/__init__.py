"""Model bundles and the MLflow model registry."""
