# SPDX-License-Identifier: MIT
# Completion of weir for fish. The lists are filled in when weir is built.

# Whether the command on the line is this one; "weir" while there is none.
function __weir_command_is
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if not string match -q -- '-*' $word
            test $word = $argv[1]
            return
        end
    end
    test $argv[1] = weir
end

@OPTIONS weir@
@OPTIONS sum@
@COMMANDS@
complete -c weir -n '__weir_command_is weir' -fa help -d 'what a command does and its options'
complete -c weir -n '__weir_command_is help' -fa sum
