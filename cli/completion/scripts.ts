export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What a shell sources: it asks the program itself for what may follow, so that it never grows old. */
export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return BASH;
    case 'zsh':
      return ZSH;
    case 'fish':
      return FISH;
  }
}

const BASH = `# bash completion for runbook. In ~/.bashrc: source <(runbook completion bash)
_runbook() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _runbook runbook
`;

const ZSH = `#compdef runbook
# zsh completion for runbook. In ~/.zshrc, behind compinit: source <(runbook completion zsh)
_runbook() {
  local -a found
  local line name
  while IFS= read -r line; do
    name="\${line%%$'\\t'*}"
    found+=("\${name//:/\\\\:}:\${line#*$'\\t'}")
  done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then _describe runbook found; else _files; fi
}
compdef _runbook runbook
`;

const FISH = `# fish completion for runbook. runbook completion fish > ~/.config/fish/completions/runbook.fish
function __runbook_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($typed[1] __complete -- $typed[2..] "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete -c runbook -f -a '(__runbook_complete)'
`;
