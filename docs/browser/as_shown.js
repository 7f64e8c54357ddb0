/* What the page's filter makes of a drawing's color, and the page's own color: red, green, blue. */
(drawn) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pen = canvas.getContext("2d");
  const shown = (color, filter) => {
    Object.assign(pen, { fillStyle: color, filter });
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const image = document.querySelector("article img");
  return [
    shown(drawn, getComputedStyle(image).filter),
    shown(getComputedStyle(document.body).backgroundColor, "none"),
  ];
};
