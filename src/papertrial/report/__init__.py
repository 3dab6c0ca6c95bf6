"""A verification or a run as a page: one plain dict -> HTML or Markdown, nothing else asked."""
