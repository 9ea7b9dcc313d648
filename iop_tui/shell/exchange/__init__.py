"""Exchange on screens: carriers, devices, versions that wait for a person, people who may be entered twice."""
