"""The dashboard: one screen that says whether a platform can be used, what changed, and what to
do now. A board holds what is known, pictures are what pages show of it, and a small server sends
them to browsers, whole at first and then only what changes."""
