$ProgressPreference='SilentlyContinue'
$lines=@($input)
& ([ScriptBlock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($lines[0])))) $lines
