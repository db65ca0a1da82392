# PowerShell completion for zester: put `zester completion powershell | Out-String | Invoke-Expression` into $PROFILE.
# The executable knows the words; it answers within 300 ms, or with nothing.

Register-ArgumentCompleter -Native -CommandName zester -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @()
    $current = ''
    foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
        $extent = $element.Extent
        if ($extent.EndOffset -lt $cursorPosition) { $words += $extent.Text.Trim('"', "'") }
        elseif ($extent.StartOffset -lt $cursorPosition) {
            $current = $extent.Text.Substring(0, $cursorPosition - $extent.StartOffset).Trim('"', "'")
        }
    }
    # PowerShell hands on only what follows the last comma.
    $before = ''
    if ($current.Contains(',') -and -not $wordToComplete.Contains(',')) {
        $before = $current.Substring(0, $current.LastIndexOf(',') + 1)
    }
    & zester __complete @words "=$current" 2>$null | Where-Object { $_ -ne ':files' } | ForEach-Object {
        $word, $description = $_ -split "`t", 2
        if (-not $description) { $description = $word }
        if ($word.StartsWith($before)) { $text = $word.Substring($before.Length) } else { $text = $word }
        [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $description)
    }
}
