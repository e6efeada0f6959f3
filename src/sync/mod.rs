//! Moving files between folders and bucket prefixes.
