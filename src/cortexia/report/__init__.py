"""What people look at: a page per video, a page over many, contact sheets and annotated video.

``VideoData`` (``base.py``) is all that is known of a video's store; ``gather`` reads its rows once; the other modules
turn the facts into values that the templates draw. Nothing here reads a clock: the same store gives the same bytes.
"""
