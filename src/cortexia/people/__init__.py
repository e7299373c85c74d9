"""Who is who across videos: what annotators found, what people said about it, and the identities that come of both."""
