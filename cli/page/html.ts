import { escapeHtml } from '../report/escape-html.ts';

/** Small pieces of a page. What they are given as content is HTML already. */

export const section = (title: string, content: string): string =>
  `<section><h2>${escapeHtml(title)}</h2>\n${content}\n</section>`;

export const cell = (content: string, look = ''): string =>
  look === '' ? `<td>${content}</td>` : `<td class="${look}">${content}</td>`;

/** `caption` is for who cannot see where the table stands. */
export function table(caption: string, titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = titles.map((title) => `<th scope="col">${escapeHtml(title)}</th>`).join('');
  const body = rows.map((cells) => `<tr>${cells.join('')}</tr>`).join('\n');
  return `<div class="wide"><table aria-label="${escapeHtml(caption)}"><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

export const list = (look: string, items: readonly { look: string; html: string }[]): string =>
  `<ul class="${look}">\n${items.map((item) => `<li class="${item.look}">${item.html}</li>`).join('\n')}\n</ul>`;

/** What a picture shows, for who cannot see it or wants the numbers. */
export const numbers = (content: string): string => `<details><summary>as a table</summary>${content}</details>`;
