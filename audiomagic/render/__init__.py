"""What is shown, as static HTML, markdown and plain text: all escaped, no script needed.

An untrusted notebook keeps `style`, `<details>` and an `<audio>` whose `src` is on the tag itself;
it strips ids, scripts, `<style>`, CSS variables' values and `<source>`. So colours are fixed (a
light card reads well on a dark page too), and nothing here needs more than that.
"""
