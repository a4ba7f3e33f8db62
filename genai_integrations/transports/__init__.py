"""One attempt over the wire, and the border where foreign errors become ours."""
