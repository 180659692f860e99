"""What is made for the Azure portal."""
