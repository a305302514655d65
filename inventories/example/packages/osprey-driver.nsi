; Osprey Label Driver: works after a restart only, and says so with exit code 3010.
;   osprey-driver-VERSION.exe /S
Target amd64-unicode
Unicode true
Name "Osprey Label Driver"
OutFile "osprey-driver-${VERSION}.exe"
InstallDir "$PROGRAMFILES64\Osprey Label Driver"
RequestExecutionLevel admin
SilentInstall normal
!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Osprey Label Driver"

Page instfiles
UninstPage instfiles

Section
  SetRegView 64
  SetOutPath "$INSTDIR"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "${KEY}" "DisplayName" "Osprey Label Driver"
  WriteRegStr HKLM "${KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM "${KEY}" "Publisher" "Osprey Printing"
  WriteRegStr HKLM "${KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  SetErrorLevel 3010
SectionEnd

Section Uninstall
  SetRegView 64
  DeleteRegKey HKLM "${KEY}"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
SectionEnd
