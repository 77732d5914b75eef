# In the guest: sets the clock of one that goes on from a checkpoint, where Hyper-V's time service has not done so.
param($p)
$right = [DateTimeOffset]::FromUnixTimeMilliseconds([long]$p.unixMillis).UtcDateTime
$behind = ($right - [DateTime]::UtcNow).TotalSeconds
if ([Math]::Abs($behind) -gt $p.tolerance) { [void](Set-Date -Date $right.ToLocalTime()) }
@{ behind = [long]$behind }
