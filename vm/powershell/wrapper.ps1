# Runs the script of the second line with the parameters of the third, and writes one JSON document between two marks of
# the fourth. For Windows PowerShell 5.1 and PowerShell 7.
param($lines)

$ErrorActionPreference = 'Stop' # what cmdlets only complain of ends the script, too
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
$VerbosePreference = 'SilentlyContinue'
$ConfirmPreference = 'None' # nobody is there to be asked

function ConvertFrom-Line([string]$line) {
    [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($line))
}

# What went wrong, by what is the same in every language of Windows; messages are for people.
function ConvertFrom-ErrorRecord($record) {
    $exceptions = New-Object System.Collections.ArrayList
    $exception = $record.Exception
    while ($null -ne $exception -and $exceptions.Count -lt 6) {
        [void]$exceptions.Add(@{
            type = $exception.GetType().FullName
            hresult = [int]$exception.HResult
            message = [string]$exception.Message
        })
        $exception = $exception.InnerException
    }
    @{
        id = [string]$record.FullyQualifiedErrorId
        category = [int]$record.CategoryInfo.Category
        activity = [string]$record.CategoryInfo.Activity
        target = [string]$record.CategoryInfo.TargetName
        line = [int]$record.InvocationInfo.ScriptLineNumber
        exceptions = $exceptions.ToArray()
    }
}

$document = @{ version = [string]$PSVersionTable.PSVersion }
try {
    $p = ConvertFrom-Json (ConvertFrom-Line $lines[2])
    $said = @(& ([ScriptBlock]::Create((ConvertFrom-Line $lines[1]))) $p)
    $document.answer = $null
    if ($said.Count -gt 0) { $document.answer = $said[$said.Count - 1] }
    $json = ConvertTo-Json -InputObject $document -Depth 8 -Compress
} catch {
    $document.Remove('answer')
    $document.error = ConvertFrom-ErrorRecord $_
    $json = ConvertTo-Json -InputObject $document -Depth 8 -Compress
}
# Base64, so that no code page and no width of a console has a say in it.
$text = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($json), 'InsertLineBreaks')
[Console]::Out.WriteLine()
[Console]::Out.WriteLine($lines[3] + ' begins')
[Console]::Out.WriteLine($text)
[Console]::Out.WriteLine($lines[3] + ' ends')
[Console]::Out.Flush()
