"""The command line: medsegr ask, chat, demo, train, evaluate, benchmark."""
