/**
 * Sends datasets one after another. Each step is given as the name of its target and three lists of words, their length
 * first: the sending command, what limits the bandwidth (or nothing), the receiving command. Names are never part of the
 * script's own text: `eval` sees numbers of parameters.
 *
 * On stdout, N being a step from 1 on: `step N begins`, `step N says SIDE TEXT`, `step N exit SEND RECEIVE LIMIT`, and
 * `step N skipped` for what belongs to a target that failed, or lies below it. On stderr, every second:
 * `step N sent HH:MM:SS BYTES OF`; the middle of that may get lost, it is only for whoever looks on.
 *
 * The ends find each other's death by the pipe between them, so nothing may hold it open beside them: descriptor 5 is the
 * pipe's beginning for the command alone, 3 takes the exit codes, 6 is the script's own output.
 */
export const TRANSFER_SCRIPT = `nl='
'
tab='	'
failed=$nl step=0 end=0
exec 6>&1
list() {
which=$1; shift
while [ "$which" -gt 0 ]; do shift $(($1 + 1)); which=$((which - 1)); done
words= at=1
while [ "$at" -le "$1" ]; do at=$((at + 1)); words="$words \\"\\\${$at}\\""; done
eval "exec $words"
}
tell() {
said=0 of=-
while IFS= read -r line || [ -n "$line" ]; do
case $line in
[0-9][0-9]:[0-9][0-9]:[0-9][0-9]"$tab"*)
rest=\${line#*"$tab"}
printf 'step %s sent %s %s %s\\n' "$step" "\${line%%"$tab"*}" "\${rest%%"$tab"*}" "$of" >&2;;
size"$tab"*) of=\${line#*"$tab"};;
''|full"$tab"*|incremental"$tab"*|"$tab"*|'resume token contents:'|'nvlist version: 0') ;;
*)
said=$((said + 1))
[ "$said" -gt 30 ] || printf 'step %s says %s %s\\n' "$step" "$1" "$line";;
esac
done
}
side() {
name=$1; shift
{ { (list "$@" 3>&- 6>&-); echo "$name $?" >&3; } 2>&1 >&5 5>&- | tell "$name" >&6 3>&- 5>&-; } 5>&1
}
transfer() {
shift
if [ "$limited" -eq 0 ]; then
side send 0 "$@" </dev/null | side receive 2 "$@" >/dev/null
else
side send 0 "$@" </dev/null | side limit 1 "$@" | side receive 2 "$@" >/dev/null
fi
}
code() {
case $2 in
*"$1 "*) rest=\${2#*"$1 "}; printf %s "\${rest%%"$nl"*}";;
*) printf %s -;;
esac
}
blocked() {
part=$1
while :; do
case $failed in *"$nl$part$nl"*) return 0;; esac
case $part in */*) part=\${part%/*};; *) return 1;; esac
done
}
limit_of() { shift $(($2 + 2)); limited=$1; }
while [ $# -gt 0 ]; do
step=$((step + 1))
if blocked "$1"; then printf 'step %s skipped\\n' "$step"
else
printf 'step %s begins\\n' "$step"
limit_of "$@"
codes=$(transfer "$@" 3>&1)
codes="$(code send "$codes") $(code receive "$codes") $(code limit "$codes")"
printf 'step %s exit %s\\n' "$step" "$codes"
case $codes in '0 0 -'|'0 0 0') ;; *) failed=$failed$1$nl end=1;; esac
fi
shift
shift $(($1 + 1)); shift $(($1 + 1)); shift $(($1 + 1))
done
exit "$end"`;
