"""Files of a chart on the screen: attaching, reading, fetching."""
