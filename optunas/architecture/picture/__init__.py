"""How an architecture becomes a picture: it is read to a scene, laid out, and written as SVG."""
