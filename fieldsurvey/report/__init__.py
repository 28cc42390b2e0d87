"""What the printed report says and how it looks."""
