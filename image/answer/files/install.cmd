@echo off
rem Installs Windows from Windows PE, in the place of setup.exe, which calls this before it does anything itself. Each step is
rem told on the serial port. It ends with a restart into Windows, or with the machine off.
setlocal enableextensions
set "HERE=%~dp0"
set "LOG=X:\wskharness.log"
call :say step winpe

set "SOURCE="
for %%d in ({{drives}}) do if exist "%%d:\{{backslashes .Source}}" set "SOURCE=%%d:\{{backslashes .Source}}"
if not defined SOURCE call :fail no drive has {{backslashes .Source}} & goto :stop
{{- if .Drivers}}
set "DRIVERS="
for %%d in ({{drives}}) do if exist "%%d:\{{backslashes (index .Drivers 0)}}" set "DRIVERS=%%d:"
if not defined DRIVERS call :fail no drive has {{backslashes (index .Drivers 0)}} & goto :stop
{{- end}}

call :say step partition
diskpart /s "%HERE%diskpart.txt" >>%LOG% 2>&1
if errorlevel 1 call :fail diskpart & goto :stop

call :say step apply
dism /Apply-Image /ImageFile:"%SOURCE%" /Index:{{.Index}} /ApplyDir:W:\ /Verify >>%LOG% 2>&1
if errorlevel 1 call :fail dism /Apply-Image & goto :stop
{{- range .Drivers}}

call :say step driver {{.}}
dism /Image:W:\ /Add-Driver /Driver:"%DRIVERS%\{{backslashes .}}" >>%LOG% 2>&1
if errorlevel 1 call :fail dism /Add-Driver {{.}} & goto :stop
{{- end}}

call :say step boot
bcdboot W:\Windows /s S: /f {{if .UEFI}}UEFI{{else}}BIOS{{end}} >>%LOG% 2>&1
if errorlevel 1 call :fail bcdboot & goto :stop
set "STORE=S:\{{if .UEFI}}EFI\Microsoft\Boot\BCD{{else}}Boot\BCD{{end}}"
bcdedit /store %STORE% /set {default} testsigning on >>%LOG% 2>&1
if errorlevel 1 call :fail bcdedit testsigning & goto :stop
rem A machine whose drivers crash is to start again, and not to offer its repair.
bcdedit /store %STORE% /set {default} recoveryenabled no >>%LOG% 2>&1
bcdedit /store %STORE% /set {default} bootstatuspolicy ignoreallfailures >>%LOG% 2>&1
if exist W:\Windows\System32\Recovery\winre.wim del /f /a W:\Windows\System32\Recovery\winre.wim

call :say step answers
if not exist W:\Windows\Panther mkdir W:\Windows\Panther
copy /y "%HERE%unattend.xml" W:\Windows\Panther\unattend.xml >>%LOG% 2>&1
if errorlevel 1 call :fail copy unattend.xml & goto :stop
rem What comes from a disc is read-only, and Windows removes passwords from this file.
attrib -r W:\Windows\Panther\unattend.xml
mkdir W:\wskharness-setup
copy /y "%HERE%setup\*" W:\wskharness-setup >>%LOG% 2>&1
if errorlevel 1 call :fail copy setup & goto :stop

call :say step restart
wpeutil reboot
:wait
pause >nul
goto :wait

:say
echo wskharness: %*
>>%LOG% echo wskharness: %*
>COM1 echo wskharness: %*
exit /b 0

:fail
type %LOG%
type %LOG% >COM1
call :say failed %*
exit /b 0

rem The screen is looked at before it is gone.
:stop
ping -n 30 127.0.0.1 >nul
wpeutil shutdown
goto :wait
