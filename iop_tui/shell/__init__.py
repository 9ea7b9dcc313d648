"""The program around the screens: parent process, unlock prompt, app. See `parent` for how a run is built."""
