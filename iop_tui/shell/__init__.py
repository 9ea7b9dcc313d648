"""The program around the screens: parent process, unlock prompt, app. See `process.parent` for how a run is built."""
