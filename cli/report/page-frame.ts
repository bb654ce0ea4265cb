/**
 * One HTML page that needs nothing else: its own policy forbids scripts and loading. `title` and `main` are HTML already. Pure.
 */
export const pageFrame = ({ title, style, main }: { title: string; style: string; main: string }): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
${main}
</main>
</body>
</html>
`;
