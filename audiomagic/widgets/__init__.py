"""Widgets: the kernel's half of the recorder and the player; static/ holds the page's."""
