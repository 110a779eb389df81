"""One turn: what is asked, the requests that it takes, and the reply."""
