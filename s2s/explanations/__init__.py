"""What each setting of the model is: equations, parts, parameters, papers. Plain data; nothing slow is imported."""
