/** Real programs that a machine has, where this one has them: they see the machine's files only. */
export const REAL_PROGRAMS =
  `awk base64 basename cat chmod cmp cp comm cut dd dirname du echo env expr false find flock grep head install kill ln ls mkdir mkfifo mktemp mv nohup od paste
   printf pwd readlink realpath rm rmdir sed seq setsid sha256sum sleep sort stat sync tail tar tee test timeout touch tr true truncate uniq unlink wc xargs [`.split(
    /\s+/,
  );
