// Before the first paint, so that a dark room stays dark: the rest of the interface reads this attribute.
;(function () {
  var chosen = null
  try {
    chosen = localStorage.getItem('assay-colour-scheme')
  } catch (error) {
    chosen = null // storage may be forbidden; the system's preference decides
  }
  if (chosen !== 'light' && chosen !== 'dark') {
    chosen = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  }
  document.documentElement.setAttribute('data-mantine-color-scheme', chosen)
})()
