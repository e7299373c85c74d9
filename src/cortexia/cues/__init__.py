"""Words in portions that can be read, for subtitles in files and on pictures."""
