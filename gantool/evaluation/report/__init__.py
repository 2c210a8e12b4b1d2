"""One HTML file that shows what a run did: verdict, curves, pictures, worst cases. No network, no framework."""
