// GitHub-flavoured Markdown, as marked writes it.
import { marked } from "marked";

document.querySelector("#editor").innerHTML = "<textarea></textarea>";
const area = document.querySelector("textarea");
window.steps = [
  "# Title", "Enter", "Enter", "Hello **bold**, *thin*, ~~struck~~ and `code`, https://example.com/", "Enter",
  "Enter", "- one", "Enter", "- two", "Enter", "Enter", "3. third", "Enter", "Enter", "- [x] done", "Enter",
  "- [ ] to do", "Enter", "Enter", "| a | b |", "Enter", "|:-:|--:|", "Enter", "| 1 | 2 |", "Enter", "Enter",
  "> quoted", "Enter", "Enter", "![x](https://example.com/x.png 'title')", "Enter", "Enter",
  "<details><summary>more</summary>", "Enter", "Enter", "less", "Enter", "Enter", "</details>", "Enter", "Enter",
  "```python", "Enter", "print(1)", "Enter", "```", "Enter", "Enter", "---", "Enter",
];
window.written = () => marked.parse(area.value, { gfm: true });
area.focus();
window.ready = true;
