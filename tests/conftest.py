from hypothesis import settings

# wall time on a shared machine says nothing about the code
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
