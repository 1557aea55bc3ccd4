"""One call of a model, to be asked again: as cURL, as an item of a dataset, as a test."""
