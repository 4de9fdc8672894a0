"""How strong a violation that data cannot show would have to be to overturn a conclusion."""
