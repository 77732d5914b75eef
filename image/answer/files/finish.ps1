# Runs once, as the administrator, when Windows has been set up: makes it reachable by WinRM over HTTPS, and removes what nobody
# needs any more. That WinRM answers is the last thing to come true. Each step is told on the serial port.
$ErrorActionPreference = 'Stop'
$setup = 'C:\wskharness-setup'

function Say([string] $text) {
    Add-Content -Path C:\Windows\Temp\wskharness.log -Value "wskharness: $text"
    try {
        $port = New-Object System.IO.Ports.SerialPort 'COM1', 115200
        $port.WriteTimeout = 5000
        $port.Open()
        $port.Write("wskharness: $text`r`n")
        $port.Close()
    } catch {
        Add-Content -Path C:\Windows\Temp\wskharness.log -Value "COM1: $_"
    }
}

try {
    Say 'step certificate'
    $secret = ConvertTo-SecureString -AsPlainText -Force (Get-Content -Raw "$setup\winrm.txt").Trim()
    $null = Import-Certificate -FilePath "$setup\ca.cer" -CertStoreLocation Cert:\LocalMachine\Root
    $certificate = Import-PfxCertificate -FilePath "$setup\winrm.pfx" -Password $secret -CertStoreLocation Cert:\LocalMachine\My

    Say 'step account'
    Get-LocalUser | Where-Object { $_.SID.Value -like 'S-1-5-21-*-500' } | Set-LocalUser -PasswordNeverExpires $true
    $winlogon = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon'
    Set-ItemProperty -Path $winlogon -Name AutoAdminLogon -Value '0'
    Remove-ItemProperty -Path $winlogon -Name 'DefaultPassword', 'AutoLogonCount' -ErrorAction SilentlyContinue

    Say 'step power'
    powercfg.exe /change standby-timeout-ac 0
    powercfg.exe /change monitor-timeout-ac 0
    powercfg.exe /hibernate off

    Say 'step clean'
    foreach ($file in 'Panther\unattend.xml', 'Panther\unattend-original.xml', 'Panther\Unattend\unattend.xml', 'System32\Sysprep\unattend.xml') {
        Remove-Item -Force -Path (Join-Path $env:windir $file) -ErrorAction SilentlyContinue
    }
    Remove-Item -Recurse -Force -Path $setup

    Say 'step winrm'
    Set-Service -Name WinRM -StartupType Automatic
    Start-Service -Name WinRM
    # A policy that says so counts whatever the network is; to set it in the configuration may be refused on a public one.
    $policy = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\WinRM\Service'
    try {
        Set-Item -Path WSMan:\localhost\Service\Auth\Basic -Value $true
    } catch {
        $null = New-Item -Path $policy -Force
        $null = New-ItemProperty -Path $policy -Name AllowBasic -PropertyType DWord -Value 1 -Force
    }
    $selectors = @{ Transport = 'HTTPS'; Address = '*' }
    try { Remove-WSManInstance -ResourceURI winrm/config/Listener -SelectorSet $selectors } catch { } # there is none, as a rule
    $null = New-WSManInstance -ResourceURI winrm/config/Listener -SelectorSet $selectors -ValueSet @{
        Hostname = '{{.ComputerName}}'; CertificateThumbprint = $certificate.Thumbprint
    }
    $null = New-NetFirewallRule -Name wskharness-winrm-https -DisplayName 'WinRM over HTTPS (wskharness)' -Direction Inbound `
        -Action Allow -Protocol TCP -LocalPort 5986 -Profile Any
    Say 'ready'
} catch {
    Say "failed finish.ps1, line $($_.InvocationInfo.ScriptLineNumber): $_"
    Stop-Computer -Force
}
