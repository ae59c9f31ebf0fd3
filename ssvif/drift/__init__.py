"""How far new captures are from what the champion was trained on."""
