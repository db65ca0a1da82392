# fish completion for zester: save it as ~/.config/fish/completions/zester.fish.
# The executable knows the words; it answers within 300 ms, or with nothing.

function __zester_complete
    # Without quotes and backslashes; that of the word at the cursor may be open.
    set -l words (string unescape -- (commandline -opc))
    set -l typed (commandline -ct)
    set -l current $typed
    for quote in '' "'" '"'
        set current (string unescape -- "$typed$quote"); and break
    end
    set -l lines (command zester __complete $words[2..-1] "=$current" 2>/dev/null)
    if test "$lines[1]" = :files
        set -l before (string match -r -- '^-[^=]*=' $current)
        for path in (__fish_complete_path (string replace -r -- '^-[^=]*=' '' $current))
            echo -- "$before$path"
        end
    else
        printf '%s\n' $lines
    end
end

complete -c zester -f -k -a '(__zester_complete)'
