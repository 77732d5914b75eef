param($p)
$hklm = [Microsoft.Win32.RegistryKey]::OpenBaseKey('LocalMachine', 'Registry64')

function Read-State($key, $name) {
  $kind = [string]$key.GetValueKind($name)
  $v = $key.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
  $data = ''
  switch ($kind) {
    'DWord' { $data = [BitConverter]::ToUInt32([BitConverter]::GetBytes([int]$v), 0).ToString() }
    'QWord' { $data = [BitConverter]::ToUInt64([BitConverter]::GetBytes([long]$v), 0).ToString() }
    'String' { $data = [string]$v }
    'ExpandString' { $data = [string]$v }
    'MultiString' { $data = [string]::Join([string][char]0, [string[]]$v) }
    'Binary' { $data = [BitConverter]::ToString([byte[]]$v).Replace('-', '').ToLowerInvariant() }
  }
  @{ type = $kind; data = $data; name = $name }
}

function Parent-Of([string]$path) {
  $i = $path.LastIndexOf('\')
  if ($i -lt 0) { return '' }
  $path.Substring(0, $i)
}

function Get-RegistryValue($path, $name) {
  $key = $hklm.OpenSubKey($path)
  if ($null -eq $key) {
    $above = Parent-Of $path
    while ($above -ne '' -and $null -eq $hklm.OpenSubKey($above)) { $above = Parent-Of $above }
    return @{ type = ''; key = $above }
  }
  if (@($key.GetValueNames()) -notcontains $name) { return @{ type = '' } }
  Read-State $key $name
}

function Convert-Data($kind, [string]$data) {
  switch ($kind) {
    'DWord' { return [BitConverter]::ToInt32([BitConverter]::GetBytes([uint32]::Parse($data)), 0) }
    'QWord' { return [BitConverter]::ToInt64([BitConverter]::GetBytes([uint64]::Parse($data)), 0) }
    'MultiString' {
      if ($data -eq '') { return , [string[]]@() }
      return , [string[]]$data.Split([char]0)
    }
    'Binary' {
      $bytes = New-Object byte[] ($data.Length / 2)
      for ($i = 0; $i -lt $bytes.Length; $i++) { $bytes[$i] = [Convert]::ToByte($data.Substring(2 * $i, 2), 16) }
      return , $bytes
    }
  }
  $data
}

function Invoke-Program($name, $line) {
  $start = New-Object Diagnostics.ProcessStartInfo
  $start.FileName = [IO.Path]::Combine([Environment]::SystemDirectory, $name)
  $start.Arguments = $line
  $start.UseShellExecute = $false
  $start.CreateNoWindow = $true
  $start.RedirectStandardInput = $true
  $start.RedirectStandardOutput = $true
  $start.RedirectStandardError = $true
  $run = [Diagnostics.Process]::Start($start)
  $run.StandardInput.Close()
  $complaint = $run.StandardError.ReadToEndAsync()
  $out = New-Object IO.MemoryStream
  $run.StandardOutput.BaseStream.CopyTo($out)
  $run.WaitForExit()
  @{ type = 'Exit'; exit = $run.ExitCode; data = [Convert]::ToBase64String($out.ToArray()); complaint = $complaint.Result }
}

function Get-BootObject($alias) {
  if ($alias -eq '{dbgsettings}') { return '{4636856e-540f-4170-a130-a84776f4c654}' }
  $ran = Invoke-Program 'bcdedit.exe' ('/enum "' + $alias + '" /v')
  $text = [Text.Encoding]::ASCII.GetString([Convert]::FromBase64String($ran.data))
  $found = [regex]::Match($text, '\{[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}')
  if (-not $found.Success) { throw ('bcdedit /enum ' + $alias + ' ended with exit code ' + $ran.exit + ' and named no object: ' + $text) }
  $found.Value
}

function New-PrivateFolder([string]$path) {
  if ([IO.Directory]::Exists($path)) { return }
  New-PrivateFolder ([IO.Path]::GetDirectoryName($path))
  $acl = New-Object Security.AccessControl.DirectorySecurity
  $acl.SetSecurityDescriptorSddlForm('D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)', 'Access')
  [void][IO.Directory]::CreateDirectory($path)
  [IO.Directory]::SetAccessControl($path, $acl)
}

function Write-Whole($path, [byte[]]$bytes) {
  New-PrivateFolder ([IO.Path]::GetDirectoryName($path))
  $part = $path + '.part'
  $f = New-Object IO.FileStream($part, 'Create', 'Write', 'None')
  try { $f.Write($bytes, 0, $bytes.Length); $f.Flush($true) } finally { $f.Dispose() }
  if ([IO.File]::Exists($path)) { [IO.File]::Replace($part, $path, [NullString]::Value) } else { [IO.File]::Move($part, $path) }
  @{ type = 'File' }
}

function Get-Sha256([byte[]]$bytes) {
  $h = [Security.Cryptography.SHA256]::Create()
  try { [BitConverter]::ToString($h.ComputeHash($bytes)).Replace('-', '').ToLowerInvariant() } finally { $h.Dispose() }
}

function Test-Unchanged($path, $was) {
  $is = 'absent'
  if ([IO.File]::Exists($path)) { $is = Get-Sha256 ([IO.File]::ReadAllBytes($path)) }
  if ($is -ne $was) { throw ($path + ' is not what it was a moment ago: somebody else writes it') }
}

function Get-Stored($store, $thumbprint) {
  $s = New-Object Security.Cryptography.X509Certificates.X509Store($store, 'LocalMachine')
  $s.Open('ReadOnly')
  try {
    $found = $s.Certificates.Find('FindByThumbprint', $thumbprint, $false)
    if ($found.Count -eq 0) { return @{ type = '' } }
    @{ type = 'Certificate'; data = [Convert]::ToBase64String($found[0].RawData) }
  } finally { $s.Close() }
}

function Edit-Store($store, $what) {
  $s = New-Object Security.Cryptography.X509Certificates.X509Store($store, 'LocalMachine')
  $s.Open('ReadWrite')
  try { & $what $s } finally { $s.Close() }
  @{ type = 'Done' }
}

function Get-BootId {
  $path = 'SOFTWARE\wskharness\Boot'
  $key = $hklm.OpenSubKey($path)
  if ($null -eq $key -or $null -eq $key.GetValue('Id')) {
    $key = $hklm.CreateSubKey($path, 'ReadWriteSubTree', 'Volatile')
    if ($null -eq $key.GetValue('Id')) { $key.SetValue('Id', [Guid]::NewGuid().ToString(), 'String') }
  }
  @{ type = 'String'; data = [string]$key.GetValue('Id') }
}

function Get-Properties($from, $names) {
  $found = @{}
  foreach ($n in $names) {
    $v = $from.$n
    if ($null -eq $v) { continue }
    if ($v -is [array]) { $found[$n] = [string]::Join(',', @($v | ForEach-Object { [string]$_ })) } else { $found[$n] = [string]$v }
  }
  $found
}

$mappings = 'winrm/config/service/certmapping'

$httpsName = 'wskharness WinRM'
$httpsRule = 'wskharness-winrm-https'

function Get-OwnCertificate { Get-ChildItem -Path Cert:\LocalMachine\My | Where-Object { $_.FriendlyName -eq $httpsName } }

function Get-HttpsListener { Get-WSManInstance -ResourceURI winrm/config/Listener -Enumerate | Where-Object { $_.Transport -eq 'HTTPS' } }

function Get-Https {
  $own = @(Get-OwnCertificate)
  $listeners = @(Get-HttpsListener)
  $has = @()
  if ($own.Count -gt 0) { $has += 'certificate' }
  $how = @{}
  if ($listeners.Count -gt 0) {
    $how.port = [string]$listeners[0].Port
    $how.thumbprint = ([string]$listeners[0].CertificateThumbprint).Replace(' ', '').ToUpperInvariant()
    $its = @(Get-ChildItem -Path Cert:\LocalMachine\My | Where-Object { $_.Thumbprint -eq $how.thumbprint })
    if ($its.Count -gt 0) { $how.certificate = [Convert]::ToBase64String($its[0].RawData) }
    if (@($own | Where-Object { $_.Thumbprint -eq $how.thumbprint }).Count -gt 0) { $has += 'listener' }
  }
  $rules = $hklm.OpenSubKey('SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules')
  if ($null -ne $rules -and $null -ne $rules.GetValue($httpsRule)) { $has += 'rule' }
  @{ type = 'HTTPS'; data = [string]::Join(' ', [string[]]$has); objects = [object[]]@($how) }
}

function Open-Https {
  $own = @(Get-OwnCertificate)
  if ($own.Count -eq 0) {
    $names = @($env:COMPUTERNAME, [Net.Dns]::GetHostEntry('').HostName) | Select-Object -Unique
    $own = @(New-SelfSignedCertificate -DnsName $names -CertStoreLocation Cert:\LocalMachine\My -FriendlyName $httpsName -KeyExportPolicy NonExportable -NotAfter (Get-Date).AddYears(5))
  }
  if (@(Get-HttpsListener).Count -eq 0) {
    [void](New-WSManInstance -ResourceURI winrm/config/Listener -SelectorSet @{ Address = '*'; Transport = 'HTTPS' } -ValueSet @{ CertificateThumbprint = $own[0].Thumbprint })
  }
  if (@(Get-NetFirewallRule -Name $httpsRule -ErrorAction SilentlyContinue).Count -eq 0) {
    [void](New-NetFirewallRule -Name $httpsRule -DisplayName $httpsName -Direction Inbound -Protocol TCP -LocalPort 5986 -Action Allow -Profile Any)
  }
  @{ type = 'Done' }
}

function Close-Https {
  $own = @(Get-OwnCertificate)
  foreach ($one in @(Get-HttpsListener)) {
    if (@($own | Where-Object { $_.Thumbprint -eq ([string]$one.CertificateThumbprint).Replace(' ', '') }).Count -gt 0) {
      Remove-WSManInstance -ResourceURI winrm/config/Listener -SelectorSet @{ Address = $one.Address; Transport = 'HTTPS' }
    }
  }
  Get-NetFirewallRule -Name $httpsRule -ErrorAction SilentlyContinue | Remove-NetFirewallRule
  foreach ($one in $own) { Remove-Item -Path ('Cert:\LocalMachine\My\' + $one.Thumbprint) -DeleteKey }
  @{ type = 'Done' }
}

function Invoke-Call($c) {
  switch ($c.do) {
    'value' { return Get-RegistryValue $c.key $c.name }
    'values' {
      $key = $hklm.OpenSubKey($c.key)
      $all = @()
      if ($null -ne $key) { foreach ($n in $key.GetValueNames()) { if ($n -like ($c.name + '*')) { $all += Read-State $key $n } } }
      return @{ type = 'Values'; values = [object[]]$all }
    }
    'setValue' {
      $key = $hklm.CreateSubKey($c.key)
      $key.SetValue($c.name, (Convert-Data $c.type $c.data), $c.type)
      $key.Flush()
      return @{ type = 'Done' }
    }
    'deleteValue' {
      $key = $hklm.OpenSubKey($c.key, $true)
      if ($null -ne $key) { $key.DeleteValue($c.name, $false); $key.Flush(); $key.Close() }
      $path = $c.key
      while ($c.keep -and $path.Length -gt $c.keep.Length) {
        $key = $hklm.OpenSubKey($path)
        if ($null -ne $key) {
          if ($key.SubKeyCount + $key.ValueCount -gt 0) { break }
          $key.Close()
          $hklm.DeleteSubKey($path, $false)
        }
        $path = Parent-Of $path
      }
      return @{ type = 'Done' }
    }
    'element' { return Get-RegistryValue ('BCD00000000\Objects\' + (Get-BootObject $c.data) + '\Elements\' + $c.name) 'Element' }
    'run' {
      $ran = Invoke-Program $c.program $c.line
      if ($null -ne $c.expect -and @($c.expect) -notcontains $ran.exit) {
        $page = [Globalization.CultureInfo]::CurrentCulture.TextInfo.OEMCodePage
        throw ('exit code ' + $ran.exit + ': ' + [Text.Encoding]::GetEncoding($page).GetString([Convert]::FromBase64String($ran.data)) + ' ' + $ran.complaint)
      }
      return $ran
    }
    'certificate' { return Get-Stored $c.store $c.name }
    'addCertificate' {
      $one = New-Object Security.Cryptography.X509Certificates.X509Certificate2(, [Convert]::FromBase64String($c.data))
      return Edit-Store $c.store { param($s) $s.Add($one) }
    }
    'removeCertificate' {
      return Edit-Store $c.store { param($s) foreach ($one in $s.Certificates.Find('FindByThumbprint', $c.name, $false)) { $s.Remove($one) } }
    }
    'file' {
      if (-not [IO.File]::Exists($c.path)) { return @{ type = '' } }
      return @{ type = 'File'; data = [Convert]::ToBase64String([IO.File]::ReadAllBytes($c.path)) }
    }
    'exists' {
      if ([IO.File]::Exists($c.path)) { return @{ type = 'File' } }
      return @{ type = '' }
    }
    'writeFile' {
      Test-Unchanged $c.path $c.was
      return Write-Whole $c.path ([Convert]::FromBase64String($c.data))
    }
    'copyFile' {
      if (-not [IO.File]::Exists($c.data)) { return Write-Whole $c.data ([IO.File]::ReadAllBytes($c.path)) }
      return @{ type = 'File' }
    }
    'deleteFile' {
      foreach ($one in $c.path, ($c.path + '.part')) { if ([IO.File]::Exists($one)) { [IO.File]::Delete($one) } }
      $folder = [IO.Path]::GetDirectoryName($c.path)
      while ($c.keep -and $folder.Length -gt $c.keep.Length -and [IO.Directory]::Exists($folder) -and -not @([IO.Directory]::GetFileSystemEntries($folder)).Count) {
        [IO.Directory]::Delete($folder)
        $folder = [IO.Path]::GetDirectoryName($folder)
      }
      return @{ type = 'Done' }
    }
    'objects' {
      $all = @(Get-CimInstance -Namespace $c.namespace -Query $c.query | ForEach-Object { Get-Properties $_ $c.properties })
      return @{ type = 'Objects'; objects = [object[]]$all }
    }
    'account' {
      $who = [Security.Principal.WindowsIdentity]::GetCurrent()
      $is = New-Object Security.Principal.WindowsPrincipal($who)
      $full = $is.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
      return @{ type = 'Account'; objects = [object[]]@(@{ user = $who.Name; sid = $who.User.Value; administrator = [string]$full }) }
    }
    'bootId' { return Get-BootId }
    'wsman' {
      $x = Get-WSManInstance -ResourceURI $c.resource
      return @{ type = 'Object'; objects = [object[]]@(Get-Properties $x $c.properties) }
    }
    'setWSMan' {
      [void](Set-WSManInstance -ResourceURI $c.resource -ValueSet @{ $c.name = [string]$c.data })
      return @{ type = 'Done' }
    }
    'mappings' {
      $all = @(Get-WSManInstance -ResourceURI $mappings -Enumerate | ForEach-Object {
          @{ issuer = ([string]$_.Issuer).Replace(' ', '').ToUpperInvariant(); subject = [string]$_.Subject; uri = [string]$_.URI; user = [string]$_.UserName; enabled = [string]$_.Enabled }
        })
      return @{ type = 'Objects'; objects = [object[]]$all }
    }
    'addMapping' {
      [void](New-WSManInstance -ResourceURI $mappings -SelectorSet @{ Issuer = $c.name; Subject = $c.data; URI = '*' } -ValueSet @{ UserName = $c.user; Password = $c.password; Enabled = 'true' })
      return @{ type = 'Done' }
    }
    'removeMapping' {
      Remove-WSManInstance -ResourceURI $mappings -SelectorSet @{ Issuer = $c.name; Subject = $c.data; URI = '*' }
      return @{ type = 'Done' }
    }
    'https' { return Get-Https }
    'openHTTPS' { return Open-Https }
    'closeHTTPS' { return Close-Https }
  }
  throw ('unknown call ' + $c.do)
}

$answers = @()
$failed = $false
foreach ($c in $p.calls) {
  if ($failed) { $answers += @{ type = 'Skipped' }; continue }
  try { $answers += Invoke-Call $c } catch {
    $e = $_.Exception.GetBaseException()
    $code = 0
    if ($e -is [ComponentModel.Win32Exception]) { $code = $e.NativeErrorCode }
    elseif (($e.HResult -band 0x7FFF0000) -eq 0x00070000) { $code = $e.HResult -band 0xFFFF }
    $answers += @{ type = 'Failed'; error = [string]$e.Message; code = $code }
    if (-not $c.reads) { $failed = $true }
  }
}
@{ answers = [object[]]$answers }
