"""The examples by themselves: their files as the CLI and the app read them, their scripts, their steps."""
